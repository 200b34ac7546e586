"""Plain functions on images and files; they know no Prefect, MLflow, DVC or params."""
