-- What the reasons of the review list of journeys may be, as journeys/tables.py declares it.
comment on column "journeys"."reviews"."reason" is 'ambiguous, ruled_out, constant_key, too_far or too_large';
