"""PostgreSQL as a `Database`, for many machines. psycopg is loaded with `database`, not before."""
