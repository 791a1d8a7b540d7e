# Paste this into "Dockerfile Instructions" of a Domino environment whose base image has Python 3.11 or newer.
# requirements.txt is fetched at a fixed commit: change it when requirements.txt changes.
# Put your repository's address and that commit into the next line.
ARG REQUIREMENTS=https://raw.example.com/your-team/monitoring/COMMIT/requirements.txt
USER root
ADD $REQUIREMENTS /opt/monitoring/requirements.txt
RUN python3 -m venv /opt/monitoring/venv \
 && /opt/monitoring/venv/bin/pip install --no-cache-dir -r /opt/monitoring/requirements.txt
USER ubuntu
