"""From intents to orders and back: resolving unknowns and reconciling come here with live gateways."""
