"""From a message published to its alarm in the API's answer, under load, with all plans loaded."""
