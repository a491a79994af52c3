-- The role that KEDA counts with: psql "$RETAKE_DATABASE" -v password="'…'" -f scale.sql
create role retake_scale login password :password connection limit 5;
grant select (status, engine) on requests to retake_scale;
