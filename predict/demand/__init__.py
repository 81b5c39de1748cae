"""Demand for parts: quantiles per part and month from their histories, and from the fleet."""

from predict.demand.forecast import forecast_demand

__all__ = ["forecast_demand"]
