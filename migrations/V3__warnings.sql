-- What a request with an Idempotency-Key was warned of; null for nothing.
alter table idempotent_requests add column warning text;

-- Whether a partner sold anything of an event, however many orders that has.
create index orders_by_event_and_vendor on orders (bucket, event_id, vendor_id);
