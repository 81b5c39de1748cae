"""Use of wear parts, remaining life, what is due: followed from the ingest log.

`predict.worker.run` is the process; `predict.usage.fold` the pure computation of use.
`predict.fleet_lives` has the life model of every kind of part, `predict.learned` learns remaining
life from histories that ran to failure.
"""
