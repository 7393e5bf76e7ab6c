"""Writes what OpenMM needs to simulate alanine dipeptide, once, in set-up.

The force fields are OpenMM's own files: ff96 with the implicit water OBC1, and ff96 with TIP3P. Heavy atoms
start at common bond lengths and angles; OpenMM adds hydrogens and water. Bonds of hydrogen are rigid, as
usual with steps of 2 fs. Centre-of-mass motion is not removed.

Usage: molecules.py FOLDER; it gets for each kind of water NAME.xml, a System, and NAME.pdb.
"""

import math
import pathlib
import sys

import numpy as np
import openmm
from openmm import app, unit

# Atom, the atoms that it is placed by (as in a Z-matrix), then length in nm, angle and dihedral in degrees.
ATOMS = [
    ("ACE", "CH3", (), ()),
    ("ACE", "C", (0,), (0.152,)),
    ("ACE", "O", (1, 0), (0.123, 120.4)),
    ("ALA", "N", (1, 0, 2), (0.1335, 116.6, 180)),
    ("ALA", "CA", (3, 1, 0), (0.1449, 121.9, 180)),
    ("ALA", "C", (4, 3, 1), (0.1522, 110.1, -150)),
    ("ALA", "O", (5, 4, 3), (0.1229, 120.4, -30)),
    ("ALA", "CB", (4, 3, 5), (0.1526, 109.7, -122.5)),
    ("NME", "N", (5, 4, 3), (0.1335, 116.6, 150)),
    ("NME", "C", (8, 5, 4), (0.1449, 121.9, 180)),
]


def placed(known, references, numbers):
    """The place of an atom (J. Parsons et al., J. Comput. Chem. 26, 2005)."""
    if not references:
        return np.zeros(3)
    length, *angles = numbers
    c = known[references[0]]
    if len(references) == 1:
        return c + np.array([length, 0, 0])
    b = known[references[1]]
    a = known[references[2]] if len(references) == 3 else b + np.array([0, 1.0, 0])
    angle, dihedral = np.radians([angles[0], angles[1] if len(angles) > 1 else 0])
    along = (c - b) / np.linalg.norm(c - b)
    normal = np.cross(b - a, along)
    normal /= np.linalg.norm(normal)
    across = np.cross(normal, along)
    return c + length * (
        -math.cos(angle) * along
        + math.sin(angle) * (math.cos(dihedral) * across + math.sin(dihedral) * normal)
    )


def heavy_atoms():
    topology, places, atoms, residue = app.Topology(), [], [], None
    chain = topology.addChain()
    for name, atom, references, numbers in ATOMS:
        if residue is None or residue.name != name:
            residue = topology.addResidue(name, chain)
        atoms.append(topology.addAtom(atom, app.Element.getBySymbol(atom[0]), residue))
        places.append(placed(places, references, numbers))
        if references:
            topology.addBond(atoms[references[0]], atoms[-1])
    return app.Modeller(topology, np.array(places) * unit.nanometer)


def minimised(system, positions):
    context = openmm.Context(system, openmm.VerletIntegrator(0.001))
    context.setPositions(positions)
    openmm.LocalEnergyMinimizer.minimize(context, 1.0)
    return context.getState(getPositions=True).getPositions()


def write(folder, name, model, force_field, **options):
    system = force_field.createSystem(
        model.topology, constraints=app.HBonds, removeCMMotion=False, **options
    )
    (folder / f"{name}.xml").write_text(openmm.XmlSerializer.serialize(system))
    with open(folder / f"{name}.pdb", "w") as file:
        app.PDBFile.writeFile(model.topology, minimised(system, model.positions), file)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    implicit = app.ForceField("amber96.xml", "amber96_obc.xml")
    model = heavy_atoms()
    model.addHydrogens(implicit)
    write(folder, "alanine-implicit", model, implicit, nonbondedMethod=app.NoCutoff)
    explicit = app.ForceField("amber96.xml", "tip3p.xml")
    model.addSolvent(explicit, model="tip3p", boxSize=openmm.Vec3(2.9, 2.9, 2.9) * unit.nanometer)
    write(
        folder, "alanine-explicit", model, explicit, nonbondedMethod=app.PME,
        nonbondedCutoff=0.9 * unit.nanometer,
    )


main()
