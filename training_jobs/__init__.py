"""What SageMaker runs: programs that keep its folder contract, and run as processes of this machine too."""
