"""`ironpulse backtest`: the product's own models on any file, without servers."""
