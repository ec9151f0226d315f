"""Are the networks' weights there, and those that this version was tested with?"""

from pathlib import Path

from commands.doctor.finding import Finding
from inference import weights
from messaging.errors import UserError

NAME = "models"


def examine(folder: Path = weights.FOLDER) -> list[Finding]:
    """One finding where all is well, else one for each file that is not as it should be."""
    try:
        names = weights.origins(folder)
    except UserError as error:
        return [Finding(NAME, "failure", str(error), weights.RESTORE)]
    damaged: list[Finding] = []
    for name in names:
        try:
            weights.checked(name, folder)
        except UserError as error:
            text = str(error).removesuffix(f": {weights.RESTORE}")
            damaged.append(Finding(NAME, "failure", text, weights.RESTORE))
    return damaged or [Finding(NAME, "fine", f"{len(names)} files, and their hashes are right")]
