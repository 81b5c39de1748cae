"""What arrives, judged by the rules of its product.

`engine.fold` is the pure computation, over what windows (`sliding`), the machine's own past and its
peers (`remembered`) and learned `detectors` say; `alarms` is what becomes of its changes, `contact`
looks after silence and clocks. `live.worker` is the process, `backtest` tries rules on history.
"""
