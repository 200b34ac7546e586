"""The flows: one file for each flow, one flow for each DVC stage; only they use MLflow and
Prefect.
"""

import os

# Set before Prefect, MLflow or TensorFlow are imported: no telemetry, and no messages of libraries
# between those of a stage.
for _name, _value in {
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "INFO",  # what a run logs is in Prefect's UI …
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # … and not in the terminal
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "PREFECT_CLI_PROMPT": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",  # the default; setting it suppresses a warning at each import
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "VIPS_CONCURRENCY": "1",
    "GIT_PYTHON_REFRESH": "quiet",
}.items():
    os.environ.setdefault(_name, _value)
