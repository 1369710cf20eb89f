return {{
