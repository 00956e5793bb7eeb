-- What is sold, and the selling of it. Everything that belongs to an event has the event's bucket as the first column of its
-- keys. Amounts of money are minor units of the event's currency.

-- Pictures and documents; the files are in the media store under the row's id. A size made of a picture is a row of its own.
-- drop_at is when the file is to be deleted: of a removed one at once, of one that is being uploaded unless it was published
-- by then. Null: the file is kept, or gone.
create table attachments (
    id bytea not null primary key,
    author_id bytea not null references partners (id),
    original_id bytea,
    size text,
    content_type text not null,
    length bigint not null,
    md5 text not null,
    removed boolean not null,
    drop_at bigint,
    created_at bigint not null,
    updated_at bigint not null
);
create index attachments_by_author on attachments (author_id, id);
create index attachments_by_original on attachments (original_id) where original_id is not null;
create index attachments_to_drop on attachments (drop_at) where drop_at is not null;

-- The ids of a partner's attachments, in order, as JSON.
alter table partners add column media text not null default '[]';

create table venues (
    id bytea not null primary key,
    org_id bytea not null references partners (id),
    name text not null,
    name_folded text not null,
    description text,
    address text,
    city_id bigint,
    country text,
    longitude text,
    latitude text,
    removed boolean not null,
    created_at bigint not null,
    updated_at bigint not null
);
create index venues_by_org on venues (org_id, id);

-- The plan of a hall. The rows and seats of a sector are JSON and never change: tickets name them.
create table maps (
    id bytea not null primary key,
    org_id bytea not null references partners (id),
    venue_id bytea references venues (id),
    name text not null,
    name_folded text not null,
    description text,
    removed boolean not null,
    created_at bigint not null,
    updated_at bigint not null
);
create index maps_by_org on maps (org_id, id);
create index maps_by_venue on maps (venue_id, id);

create table sectors (
    id bytea not null primary key,
    map_id bytea not null references maps (id),
    pos integer not null,
    name text not null,
    description text,
    layout text not null
);
create index sectors_by_map on sectors (map_id, pos);

-- numbers_given: how many numbers of tickets this event has given out.
alter table events add column venue_id bytea;
alter table events add column map_id bytea;
alter table events add column cover_id bytea;
alter table events add column numbers_given bigint not null default 0;
create index events_by_venue on events (venue_id, id) where venue_id is not null;

-- amount is what the set is meant to have; tickets still to be made (ticket_batches) count as vacant. surplus is how many
-- vacant tickets there are beyond it, until they are removed in short transactions: nobody gets one whose number is
-- surplus_from or higher.
create table sets (
    bucket bytea not null,
    id bytea not null,
    event_id bytea not null,
    name text not null,
    description text,
    pos integer not null,
    amount bigint not null,
    serial text not null,
    sector_id bytea,
    seats text,
    surplus bigint not null,
    surplus_from bigint,
    removed boolean not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (bucket, id)
);
create index sets_by_event on sets (bucket, event_id, pos, id);
create index sets_by_id on sets (id);
create index sets_with_surplus on sets (bucket, id) where surplus > 0;

-- A removed rule was replaced: no new order gets it, but orders that began with it keep its price.
create table rules (
    bucket bytea not null,
    id bytea not null,
    set_id bytea not null,
    price bigint not null,
    starts_at bigint not null,
    ends_at bigint not null,
    removed boolean not null,
    primary key (bucket, id)
);
create index rules_by_set on rules (bucket, set_id, starts_at, id);

-- Tickets that a set is still to get: made in short transactions, so that no other writer waits, and gone on with after a
-- crash. A batch is removed once all of it is made.
create table ticket_batches (
    bucket bytea not null,
    id bytea not null,
    event_id bytea not null,
    set_id bytea not null,
    first_number bigint not null,
    first_seat bigint not null,
    amount bigint not null,
    made bigint not null,
    created_at bigint not null,
    primary key (bucket, id)
);
create index ticket_batches_by_set on ticket_batches (bucket, set_id, id);
create index ticket_batches_by_time on ticket_batches (created_at);

-- order_id is the order that holds the ticket, or bought it. A ticket that is reserved with a reserved_till in the past is
-- vacant, whether or not a job has written it.
create table tickets (
    bucket bytea not null,
    id bytea not null,
    event_id bytea not null,
    set_id bytea not null,
    number bigint not null,
    serial text not null,
    sector_id bytea,
    seat_row text,
    seat_number text,
    status text not null,
    order_id bytea,
    reserved_till bigint,
    barcode text,
    removed boolean not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (bucket, id)
);
create unique index tickets_bucket_event_id_number_key on tickets (bucket, event_id, number);
create unique index tickets_bucket_barcode_key on tickets (bucket, barcode) where barcode is not null;
create index tickets_by_set on tickets (bucket, set_id, number);
-- Ordered by number + 0, so that whoever asks for that order gets this index: by number, PostgreSQL may as well take
-- tickets_by_set, and read all that is sold to find what is not.
create index tickets_vacant on tickets (bucket, set_id, (number + 0)) where status = 'vacant' and not removed;
create index tickets_reserved on tickets (bucket, set_id, reserved_till) where status = 'reserved';

-- How many tickets of a set are reserved or sold: the sum over its shards, so that no row is written by every order.
create table set_counters (
    bucket bytea not null,
    set_id bytea not null,
    shard integer not null,
    taken bigint not null,
    primary key (bucket, set_id, shard)
);

-- held and used count tickets; an order that has expired is counted until it is swept, and readers subtract it.
create table promocodes (
    bucket bytea not null,
    id bytea not null,
    event_id bytea not null,
    code text not null,
    code_folded text not null,
    name text,
    description text,
    percentage bigint,
    fix bigint,
    amount bigint,
    tickets_min bigint,
    tickets_max bigint,
    starts_at bigint,
    ends_at bigint,
    sets text not null,
    held bigint not null,
    used bigint not null,
    removed boolean not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (bucket, id)
);
create unique index promocodes_bucket_event_id_code_folded_key
    on promocodes (bucket, event_id, code_folded) where not removed;
create index promocodes_by_event on promocodes (bucket, event_id, id);

-- The customers of a vendor: records of its own, never users.
create table customers (
    id bytea not null primary key,
    vendor_id bytea not null references partners (id),
    email text not null,
    email_folded text not null,
    name_folded text not null,
    first_name text,
    last_name text,
    mobile text,
    lang text,
    created_at bigint not null,
    updated_at bigint not null
);
create unique index customers_vendor_id_email_folded_key on customers (vendor_id, email_folded);
create index customers_by_vendor on customers (vendor_id, id);
create index customers_by_name on customers (vendor_id, name_folded, id);

-- Sold under a deal: deal_id and all terms. Sold by the organizer itself: no deal_id and no term_org, and term_extra is its
-- service fee. rules is a JSON object: the rule of each set, fixed by its first ticket. The sums are over the lines that are
-- not refunded.
create table orders (
    bucket bytea not null,
    id bytea not null,
    event_id bytea not null,
    org_id bytea not null references partners (id),
    vendor_id bytea not null references partners (id),
    deal_id bytea,
    term_org text,
    term_extra text not null,
    term_core text not null,
    term_pfc boolean not null,
    number bigint not null,
    code text,
    status text not null,
    origin text not null,
    reserved_till bigint not null,
    customer_id bytea references customers (id),
    customer text not null,
    payment_system text,
    success_url text,
    failure_url text,
    redirect_url text,
    send_tickets boolean not null,
    rules text not null,
    vendor_data text,
    currency text not null,
    tickets bigint not null,
    discount bigint not null,
    nominal bigint not null,
    extra bigint not null,
    total bigint not null,
    version bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    done_at bigint,
    primary key (bucket, id)
);
create unique index orders_bucket_number_key on orders (bucket, number);
create index orders_by_event on orders (bucket, event_id, id);
create index orders_by_vendor on orders (vendor_id, id);
create index orders_by_org on orders (org_id, id);
create index orders_by_customer on orders (customer_id, id) where customer_id is not null;
create index orders_due on orders (reserved_till) where status in ('executed', 'in_progress');

-- The tickets of an order with their money as it was last computed. They stay when the order ends; a refunded one belongs
-- to its refund request.
create table order_tickets (
    bucket bytea not null,
    order_id bytea not null,
    ticket_id bytea not null,
    pos integer not null,
    set_id bytea not null,
    rule_id bytea not null,
    promocode_id bytea,
    price bigint not null,
    discount bigint not null,
    nominal bigint not null,
    extra bigint not null,
    total bigint not null,
    org_share bigint not null,
    core_share bigint not null,
    agent_share bigint not null,
    barcode text,
    refund_id bytea,
    primary key (bucket, order_id, ticket_id)
);
create index order_tickets_by_ticket on order_tickets (bucket, ticket_id);

-- The codes given to an order, and how many of its tickets each of them counts for.
create table order_promocodes (
    bucket bytea not null,
    order_id bytea not null,
    promocode_id bytea not null,
    pos integer not null,
    uses bigint not null,
    primary key (bucket, order_id, promocode_id)
);
create index order_promocodes_by_code on order_promocodes (bucket, promocode_id);

-- Money that came, or is to come, through a payment system. external_id is the system's own name of the money: it counts
-- once. refusal is what the last callback said that was not believed.
create table payments (
    bucket bytea not null,
    id bytea not null,
    order_id bytea not null,
    system text not null,
    external_id text,
    status text not null,
    amount bigint not null,
    currency text not null,
    refusal text,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (bucket, id)
);
create unique index payments_bucket_system_external_id_key on payments (bucket, system, external_id)
    where external_id is not null;
create index payments_by_order on payments (bucket, order_id, id);

-- Money that a payment system is to send back: all of a payment that is owed, or what a refund request says. Its id is that
-- of the one or the other, so that there is no second one for the same reason. due_at moves on with each try, and is null
-- once the money has been sent.
create table payment_returns (
    bucket bytea not null,
    id bytea not null,
    payment_id bytea not null,
    refund_id bytea,
    amount bigint not null,
    currency text not null,
    attempts integer not null,
    due_at bigint,
    created_at bigint not null,
    sent_at bigint,
    primary key (bucket, id)
);
create index payment_returns_due on payment_returns (due_at) where due_at is not null;

-- What the payment system for tests keeps: it is a provider of its own, and shares nothing with the tables above but the
-- ids that it was told. A charge has the id of the payment that it was asked for.
create table test_charges (
    bucket bytea not null,
    id bytea not null,
    number bigint not null,
    amount bigint not null,
    currency text not null,
    success_url text,
    failure_url text,
    expires_at bigint not null,
    status text not null,
    external_id text,
    returned bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (bucket, id)
);
create unique index test_charges_bucket_external_id_key on test_charges (bucket, external_id)
    where external_id is not null;

-- What it still has to tell. due_at is null once it was heard, or given up.
create table test_callbacks (
    bucket bytea not null,
    charge_id bytea not null,
    pos integer not null,
    signing text not null,
    body text not null,
    attempts integer not null,
    due_at bigint,
    primary key (bucket, charge_id, pos)
);
create index test_callbacks_due on test_callbacks (due_at) where due_at is not null;

-- What it has sent back, by the name of the return: it is sent once.
create table test_returns (
    bucket bytea not null,
    id bytea not null,
    charge_id bytea not null,
    amount bigint not null,
    created_at bigint not null,
    primary key (bucket, id)
);

create table refund_requests (
    bucket bytea not null,
    id bytea not null,
    order_id bytea not null,
    event_id bytea not null,
    org_id bytea not null references partners (id),
    vendor_id bytea not null references partners (id),
    culprit text not null,
    status text not null,
    payment_system text,
    nominal bigint not null,
    customer_money bigint not null,
    currency text not null,
    requested_at bigint not null,
    finished_at bigint,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (bucket, id)
);
create index refund_requests_by_order on refund_requests (bucket, order_id, id);
create index refund_requests_by_event on refund_requests (bucket, event_id, id);
create index refund_requests_by_org on refund_requests (org_id, id);
create index refund_requests_by_vendor on refund_requests (vendor_id, id);

create table refund_tickets (
    bucket bytea not null,
    refund_id bytea not null,
    ticket_id bytea not null,
    pos integer not null,
    primary key (bucket, refund_id, ticket_id)
);
create index refund_tickets_by_ticket on refund_tickets (bucket, ticket_id);

-- The ledger: appended only. amount is what the account is owed by it (less than 0: what it owes). account is partner
-- (then with partner_id), platform or customer. Per order the entries sum to zero.
create table entries (
    bucket bytea not null,
    id bytea not null,
    cause text not null,
    order_id bytea,
    refund_id bytea,
    payment_id bytea,
    payout_id bytea,
    event_id bytea,
    deal_id bytea,
    account text not null,
    partner_id bytea,
    kind text not null,
    amount bigint not null,
    currency text not null,
    created_at bigint not null,
    primary key (bucket, id)
);
create index entries_by_order on entries (bucket, order_id, id) where order_id is not null;
create index entries_by_id on entries (id);
create index entries_by_partner on entries (partner_id, id) where partner_id is not null;

-- Money that one partner gave another outside of the platform, recorded by the platform's operator.
create table payouts (
    id bytea not null primary key,
    from_id bytea not null references partners (id),
    to_id bytea not null references partners (id),
    deal_id bytea,
    amount bigint not null,
    currency text not null,
    note text,
    created_at bigint not null
);
create index payouts_by_from on payouts (from_id, id);
create index payouts_by_to on payouts (to_id, id);

-- Mail to be sent: what it is made of when its time comes. due_at moves on with each attempt.
create table mails (
    id bytea not null primary key,
    kind text not null,
    recipient text not null,
    payload text not null,
    attempts integer not null,
    due_at bigint,
    created_at bigint not null,
    sent_at bigint
);
create index mails_due on mails (due_at) where due_at is not null;
create index mails_over on mails (created_at) where due_at is null;
