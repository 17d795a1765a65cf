"""Signing in as a person: OAuth 2.0 with PKCE and OpenID Connect, the same for every provider."""
