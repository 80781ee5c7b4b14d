"""A classifier for where neither t2w nor PyTorch is: ONNX, NumPy, a page for the browser."""

from t2w.export.write import Exported, Form, export

__all__ = ["Exported", "Form", "export"]
