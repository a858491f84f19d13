"""A secret value of AWS Secrets Manager, asked for once an execution environment and kept in its memory only."""

from .aws import AwsJson


class Secret:
    """Called, it is the value. ``name`` is the secret's name or ARN."""

    def __init__(self, aws: AwsJson, name: str) -> None:
        self._aws = aws
        self._name = name
        self._value = ""

    def __call__(self) -> str:
        """The value's text. Raises AwsError when it cannot be had, and asks again at the next call."""
        if not self._value:
            answer = self._aws.call("secretsmanager", "GetSecretValue", {"SecretId": self._name})
            self._value = str(answer["SecretString"])
        return self._value
