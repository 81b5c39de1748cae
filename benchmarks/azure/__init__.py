"""The Azure predictive-maintenance sample, replayed from MQTT to tickets."""
