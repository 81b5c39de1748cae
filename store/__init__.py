"""The only package that knows SQL; queries are named blocks in `sql/`, tables in `migrations/`.

Bringing a database up to date: `migrate`, `hypertables`, `plans`, `machines`. Samples:
`telemetry` writes, `reading` reads. What consumers follow: `ingest_log`.
"""
