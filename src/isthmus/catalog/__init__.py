"""Services as data: what a definition may say, how its slots are filled, which services come with the product.

Also the rule base that names the causes of third parties' errors. Pure: reads its own files, sends nothing, keeps
no secret, and knows no vendor by name outside the data.
"""
