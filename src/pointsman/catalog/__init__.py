"""What exists, as data: providers, model families, clients. Shipped with the package; `config` reads it in."""
