"""Drivers of container engines. They know no model and no Django: a spec goes in, observations come out."""
