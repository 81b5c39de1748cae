"""The commands of `ironpulse backtest`."""

from __future__ import annotations

import typer

from ironpulse.backtest.anomalies import anomalies
from ironpulse.backtest.demand import demand
from ironpulse.backtest.export import export
from ironpulse.backtest.life import life
from ironpulse.backtest.rules import rules
from ironpulse.foreground import says_errors

app = typer.Typer()
app.command()(says_errors(anomalies))
app.command()(says_errors(demand))
app.command()(says_errors(export))
app.command()(says_errors(life))
app.command()(says_errors(rules))
