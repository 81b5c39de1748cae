"""What arrives, judged by the rules of its product.

`engine.fold` is the pure computation, `worker.run` the process; `lifecycle` makes alarms of what
the fold says, `late` and `refold` put right what was concluded before late data came.
"""
