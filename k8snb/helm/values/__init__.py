"""Values: where they come from, how they are put together, and what a chart's schema says of them."""
