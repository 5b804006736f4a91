"""The CDK's own command line, unmodified, against the embedded cloud: it finds it by the environment alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgetrain.local import deployment, process
from edgetrain.local.ecr import REPOSITORY, REPOSITORY_URI
from edgetrain.local.place import ACCOUNT, REGION
from tests.integration.cloud.conftest import make_client

PROJECT = Path(__file__).parents[3]
CDK = PROJECT / "node_modules" / ".bin" / "cdk"


@pytest.mark.skipif(not CDK.exists(), reason="the CDK's command line is not installed (make install)")
def test_bootstrap_diff_deploy_and_destroy(tmp_path):
    """No Docker: ECR says that the endpoint's image is there, so that the command line builds none."""
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/docker-was-asked\nexit 1\n')
    docker.chmod(0o755)
    assembly = deployment.assembly(PROJECT / "build" / "assembly", print)
    running = process.start(tmp_path, port=0)

    def cdk(*arguments: str) -> str:
        keys = {"CDK_DOCKER": str(docker), "AWS_ACCESS_KEY_ID": "edgetrain", "AWS_SECRET_ACCESS_KEY": "edgetrain"}
        place = {"AWS_ENDPOINT_URL": running.endpoint, "AWS_REGION": REGION}
        command = [sys.executable, "-m", "stacks.node", str(CDK), *arguments, "--app", str(assembly)]
        ended = subprocess.run(
            command,
            cwd=PROJECT,
            env={**os.environ, **keys, **place, "CI": "true"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    try:
        deployment.deploy(running.endpoint, assembly, print)
        cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}")
        told = cdk("deploy", "--all", "--require-approval", "never", "--verbose")
        assert "There were no differences" in cdk("diff")
        (image,) = make_client(running.endpoint, "ecr").describe_images(repositoryName=REPOSITORY)["imageDetails"]
        assert f"Found {REPOSITORY_URI}:{image['imageTags'][0]}" in told
        assert not (tmp_path / "docker-was-asked").exists()
        cdk("destroy", "--all", "--force")
        assert make_client(running.endpoint, "lambda").list_functions()["Functions"] == []
    finally:
        process.stop(tmp_path)
