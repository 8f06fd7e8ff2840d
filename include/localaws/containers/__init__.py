"""Containers as processes: `container` runs one in a `sandbox`, `serving` joins several to a pipeline."""

from localaws.containers.container import (
    IMAGES,
    Box,
    Container,
    ImageNotFound,
    image_directory,
    repository,
    stop_all,
)

__all__ = ["IMAGES", "Box", "Container", "ImageNotFound", "image_directory", "repository", "stop_all"]
