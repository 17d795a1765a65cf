"""What exists, as data: providers, model families, clients. Shipped data only; `config` reads it in."""
