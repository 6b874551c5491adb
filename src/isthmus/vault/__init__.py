"""The only package that sees keys: it seals secrets for one place each, and opens them there.

A data key per ring version encrypts (AES-256-GCM, a derived key per record); a key-encryption key from a file, the
environment or later a key service wraps the data keys. Refuses to know what is in a secret, where it is kept, and
who asks for it.
"""

from isthmus.vault.keys import EnvironmentKey, FileKey, KeyProvider, key_provider
from isthmus.vault.seal import Vault, new_data_key

__all__ = ["EnvironmentKey", "FileKey", "KeyProvider", "Vault", "key_provider", "new_data_key"]
