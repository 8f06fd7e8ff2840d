"""CloudFormation: moto's, with change sets that leave what a stack of theirs has."""
