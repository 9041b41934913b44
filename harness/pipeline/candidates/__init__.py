"""What users write becomes candidates: zoo names, "module:function", model files, folders. Nothing heavy loads."""
