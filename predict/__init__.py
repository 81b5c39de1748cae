"""Use of wear parts, remaining life, what is due: followed from the ingest log.

`predict.worker.run` is the process; `predict.usage.fold` the pure computation of use, and
`predict.life` the models of how long parts last.
"""
