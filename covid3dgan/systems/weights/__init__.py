"""The networks that come along: what they are trained on, how they are made and measured."""
