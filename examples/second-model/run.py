"""From the data to DMM's answer, on the sandbox: `python examples/second-model/run.py FOLDER`."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
COLUMNS = ["sepal_length", "sepal_width", "petal_length", "petal_width", "species"]
SCRIPTS = (
    ["create_training_set.py"],
    ["daily_scoring.py"],
    ["gt_registration.py", "--wait", "60"],
)


def main(folder: Path) -> int:
    """Prepare data and model, start the model's server, run the three scripts."""
    folder.mkdir(parents=True, exist_ok=True)
    prepare(folder)
    port_file = folder / "port"
    port_file.unlink(missing_ok=True)
    server = subprocess.Popen([sys.executable, str(HERE / "model.py"), str(folder), str(port_file)])
    try:
        url = f"http://127.0.0.1:{port_of(port_file)}/"
        return run_scripts(folder, url)
    finally:
        server.terminate()
        server.wait()


def prepare(folder: Path) -> None:
    """Write the training data, held-out rows, the model fitted to the former, and the settings."""
    flowers = load_iris(as_frame=True)
    table = flowers.frame.set_axis(COLUMNS, axis=1)
    table["species"] = [str(flowers.target_names[code]) for code in table["species"]]
    train, held_out = train_test_split(
        table, test_size=0.4, random_state=0, stratify=table["species"]
    )
    train.to_csv(folder / "train.csv", index=False)
    held_out.to_csv(folder / "held_out.csv", index=False)
    model = LogisticRegression(max_iter=1000).fit(train[COLUMNS[:-1]], train["species"])
    joblib.dump(model, folder / "model.joblib")
    shutil.copy(HERE / "config.yaml", folder / "config.yaml")


def port_of(port_file: Path) -> int:
    """Return the server's port as soon as it listens; raises RuntimeError after a minute."""
    for _ in range(600):
        if port_file.exists() and port_file.read_text():
            return int(port_file.read_text())
        time.sleep(0.1)
    raise RuntimeError("the model's server did not start")


def run_scripts(folder: Path, url: str) -> int:
    """Run the scripts one after the other; return the first exit code that is not 0."""
    config = str(folder / "config.yaml")
    sandbox = ["-m", "sandbox", "--dir", str(folder), "--model-url", url, "--config", config]
    for script, *arguments in SCRIPTS:
        command = [sys.executable, *sandbox, "run", script, "--config", config, *arguments]
        code = subprocess.run(command, check=False).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
