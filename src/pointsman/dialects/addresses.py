"""Sources as addresses: many APIs say bytes as a `data:` URL in the place of an address."""

from pointsman.canon.blocks import Base64Source, Source, UrlSource


def link(source: Source) -> str | None:
    """A source as an address: its own, or a `data:` URL; None for one that is neither."""
    if isinstance(source, Base64Source):
        return f"data:{source.media_type};base64,{source.data}"
    return source.url if isinstance(source, UrlSource) else None


def source_of(url: str) -> Base64Source | UrlSource:
    """The source that an address stands for."""
    if url.startswith("data:"):
        head, found, data = url[5:].partition(";base64,")
        if found and head and ";" not in head:
            return Base64Source(head, data)
    return UrlSource(url)


def file_source(data: str) -> Base64Source | UrlSource:
    """The source that a file's data stands for; base64 alone is taken for a PDF, which every server takes."""
    if data.startswith(("data:", "http://", "https://")):
        return source_of(data)
    return Base64Source("application/pdf", data)
