"""The operator: it shapes pods, volumes and Services as Table and StoragePool objects want them."""
