"""What people see: a Streamlit client of the API, and of nothing else."""
