"""The grid: numbering, triangles, interpolation."""

import numpy as np
import pytest

from regard.cloth import mesh


def test_vertices_are_numbered_row_by_row():
    coordinates = mesh.material_coordinates(5)
    assert coordinates[0].tolist() == [0, 0]
    assert coordinates[1].tolist() == [0, 0.25]
    assert coordinates[5].tolist() == [0.25, 0]


def test_triangles_cover_the_flat_cloth_once_and_face_up():
    flat = mesh.flat_positions(9, 0.3)
    a, b, c = (flat[mesh.triangles(9)[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    assert (normals[:, 2] > 0).all()
    assert normals[:, 2].sum() / 2 == pytest.approx(0.09)


def test_the_mesh_looks_the_same_from_both_sides_of_either_fold():
    edges = {frozenset(pair) for face in mesh.triangles(9).tolist() for pair in _pairs(face)}
    number = np.arange(81).reshape(9, 9)
    for image in (number[::-1], number[::-1, ::-1].T):
        mirrored = {frozenset(int(image.flat[v]) for v in edge) for edge in edges}
        assert mirrored == edges


def _pairs(face):
    return (face[0], face[1]), (face[1], face[2]), (face[2], face[0])


def test_a_subgrid_holds_corners_and_centre():
    assert mesh.subgrid(9, 3).tolist() == [0, 4, 8, 36, 40, 44, 72, 76, 80]


def test_a_subgrid_that_is_no_part_of_the_grid_is_refused():
    with pytest.raises(ValueError, match="no 5 x 5 points"):
        mesh.subgrid(10, 5)


@pytest.mark.parametrize(("source", "target"), [(5, 9), (9, 5), (13, 9)])
def test_resampling_a_plane_gives_the_plane(source, target):
    turn = np.array([[0.6, 0.8, 0.1], [-0.8, 0.6, 0.2], [0, 0, 1]])
    moved = mesh.resample(mesh.flat_positions(source, 0.3) @ turn, target)
    assert moved == pytest.approx(mesh.flat_positions(target, 0.3) @ turn)
