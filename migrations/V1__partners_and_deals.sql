-- Portable between SQLite and PostgreSQL: ids are bytea, times bigint (microseconds, UTC), JSON is text and never
-- queried inside, text that is searched is stored a second time, folded. Unique indexes are named
-- <table>_<column>_<column>_key, which is how their violations reach the program.
-- created_at and updated_at are null for what came from another system that did not know them.

create table meta (
    name text not null primary key,
    value text not null
);

create table users (
    id bytea not null primary key,
    email text not null,
    email_folded text not null,
    password_hash text not null,
    first_name text,
    last_name text,
    tags text not null,
    created_at bigint,
    updated_at bigint
);
create unique index users_email_folded_key on users (email_folded);

create table partners (
    id bytea not null primary key,
    name text not null,
    name_folded text not null,
    is_org boolean not null,
    is_agent boolean not null,
    is_core boolean not null,
    description text,
    channels text,
    director text,
    contact text not null,
    legal text,
    tags text not null,
    user_id bytea not null references users (id),
    removed boolean not null,
    created_at bigint,
    updated_at bigint
);

create table partner_tags (
    partner_id bytea not null references partners (id),
    tag_folded text not null,
    primary key (partner_id, tag_folded)
);
create index partner_tags_by_tag on partner_tags (tag_folded, partner_id);

-- A partner without a row has the settings of the domain's defaults.
create table partner_settings (
    partner_id bytea not null primary key references partners (id),
    accept_org_min bigint not null,
    auto_accept_deals boolean not null,
    core text,
    extra text not null,
    hold_minutes integer not null,
    refund_approval text not null
);

create table members (
    partner_id bytea not null references partners (id),
    user_id bytea not null references users (id),
    role text not null,
    created_at bigint,
    primary key (partner_id, user_id)
);
create index members_by_user on members (user_id, partner_id);

-- token_hash finds the key of a request; token_sealed shows it to its owner again.
create table api_keys (
    id bytea not null primary key,
    partner_id bytea not null references partners (id),
    name text,
    token_hash bytea not null,
    token_sealed bytea not null,
    removed boolean not null,
    created_at bigint not null
);
create unique index api_keys_token_hash_key on api_keys (token_hash);
create index api_keys_by_partner on api_keys (partner_id, id);

create table sessions (
    token_hash bytea not null primary key,
    user_id bytea not null references users (id),
    created_at bigint not null,
    expires_at bigint not null
);
create index sessions_by_user on sessions (user_id);
create index sessions_by_expiry on sessions (expires_at);

-- The bucket leads the key of everything that belongs to an event, so that these tables can be distributed by it.
create table events (
    bucket bytea not null,
    id bytea not null,
    org_id bytea not null,
    status text not null,
    title text not null,
    title_folded text not null,
    title_desc text,
    age_rating integer not null,
    currency text not null,
    timezone text not null,
    starts_at bigint not null,
    ends_at bigint not null,
    tags text not null,
    removed boolean not null,
    created_at bigint,
    updated_at bigint,
    primary key (bucket, id)
);
create index events_by_id on events (id);
create index events_by_org on events (org_id, id);

create table event_tags (
    bucket bytea not null,
    event_id bytea not null,
    tag_folded text not null,
    primary key (bucket, event_id, tag_folded)
);

-- org_id is the event's organizer and agent_id the other side, whichever of them is obj and subj.
-- event_ends_at is the event's: from then on the deal is read as canceled or closed, whether or not a job has written it.
create table deals (
    id bytea not null primary key,
    event_id bytea not null,
    org_id bytea not null references partners (id),
    agent_id bytea not null references partners (id),
    obj_id bytea not null references partners (id),
    subj_id bytea not null references partners (id),
    reversed boolean not null,
    status text not null,
    term_org text not null,
    term_extra text not null,
    term_core text not null,
    term_pfc boolean not null,
    message text,
    title text,
    event_ends_at bigint not null,
    created_at bigint,
    updated_at bigint
);
create unique index deals_event_id_agent_id_key on deals (event_id, agent_id) where status = 'accepted';
create unique index deals_agent_id_event_id_key on deals (agent_id, event_id) where status = 'new';
create index deals_by_obj on deals (obj_id, id);
create index deals_by_subj on deals (subj_id, id);
create index deals_by_event on deals (event_id, id);
create index deals_by_end on deals (event_ends_at) where status in ('new', 'accepted');

-- What a request with an Idempotency-Key was answered; the answer is sealed, for it may hold a secret.
create table idempotent_requests (
    scope_id bytea not null,
    key text not null,
    request_hash bytea not null,
    status integer not null,
    answer bytea not null,
    created_at bigint not null,
    primary key (scope_id, key)
);
create index idempotent_requests_by_time on idempotent_requests (created_at);
