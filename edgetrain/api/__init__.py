"""The API's routes: plain values in and out. `entry` alone knows boto3, the environment and Lambda's event."""
