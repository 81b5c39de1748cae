"""The whole way of a sample, measured: publishers, broker, ingest, hypertable."""
