"""From the broker into the store: nothing lost, nothing twice.

One message's way: `subscriber` (MQTT; `client`, `packets`: many at once) -> `inbox` (batches)
-> `routes` (whose is it) -> `decode` (bytes to columns; `formats`, `plain`, `samples`, `blocks`,
`tolerant`, `reports`, `quality`) -> `record` (one transaction) -> acknowledgement. `writer` holds
and bisects where something fails, `service` runs it all; `sparkplug` brings what edge nodes say the
same way; `replay` puts back what was rejected.
`topics` and `payload` are what devices write and import nothing of the store.
"""
