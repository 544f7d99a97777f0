"""Domains that an equation can be asked on: plain data, and everything that follows from it."""

from core.domains.boundaries import Corner, corners
from core.domains.combined import Difference, Domain, Intersection, Union, parse_domain
from core.domains.distances import distance, distance_to, factor
from core.domains.images import images
from core.domains.inspection import Outline, measure, outline, remarks
from core.domains.local_features import CornerFeatures, HoleFeatures, local_features
from core.domains.mesh import NOT_SMOOTH, Mesh, mesh_for_export, read_mesh
from core.domains.mesh_file import MeshFile
from core.domains.points import BoundaryPoints, boundary, interior
from core.domains.regions import AnyDomain, Region, mesh_path, region
from core.domains.shapes import Annulus, Ball, Box, Disk, Ellipse, Polygon, Shape
from core.domains.surfaces import boundary_names

__all__ = [
    "NOT_SMOOTH",
    "Annulus",
    "AnyDomain",
    "Ball",
    "BoundaryPoints",
    "Box",
    "Corner",
    "CornerFeatures",
    "Difference",
    "Disk",
    "Domain",
    "Ellipse",
    "HoleFeatures",
    "Intersection",
    "Mesh",
    "MeshFile",
    "Outline",
    "Polygon",
    "Region",
    "Shape",
    "Union",
    "boundary",
    "boundary_names",
    "corners",
    "distance",
    "distance_to",
    "factor",
    "images",
    "interior",
    "local_features",
    "measure",
    "mesh_for_export",
    "mesh_path",
    "outline",
    "parse_domain",
    "read_mesh",
    "region",
    "remarks",
]
