"""Intermittent demand: the product's forecast on carparts, judged by its upper quantiles."""
