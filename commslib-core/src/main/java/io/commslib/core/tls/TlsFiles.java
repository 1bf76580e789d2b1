package io.commslib.core.tls;

import io.commslib.core.Failures;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/** The contents of the three files at one moment. Confined to one thread. */
final class TlsFiles {

  /** The certificates of all public authorities take a quarter of it. */
  static final int MAX_BYTES = 1024 * 1024;

  private final byte[] chain;
  private final byte[] key;
  private final byte[] trust;

  private TlsFiles(byte[] chain, byte[] key, byte[] trust) {
    this.chain = chain;
    this.key = key;
    this.trust = trust;
  }

  /**
   * Reads the files. Blocks.
   *
   * @throws TlsException if one is missing, unreadable or too large
   */
  static TlsFiles read(Path chain, Path key, Path trust) {
    return new TlsFiles(read("chain", chain), read("key", key), read("trust", trust));
  }

  private static byte[] read(String name, Path file) {
    byte[] content;
    try (InputStream in = Files.newInputStream(file)) {
      content = in.readNBytes(MAX_BYTES + 1);
    } catch (IOException | RuntimeException e) {
      throw TlsException.unreadable(name + " can't be read: " + Failures.text(e), e);
    }
    if (content.length > MAX_BYTES) {
      throw TlsException.malformed(name, file + ", over the limit", "at most 1 MiB");
    }
    return content;
  }

  byte[] chain() {
    return chain;
  }

  byte[] key() {
    return key;
  }

  byte[] trust() {
    return trust;
  }

  /** A digest of all three, which says nothing about the key. */
  byte[] digest() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (byte[] file : new byte[][] {chain, key, trust}) {
        digest.update(MessageDigest.getInstance("SHA-256").digest(file));
      }
      return digest.digest();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("SHA-256 (expected: in every JVM)", e);
    }
  }

  /** Overwrites the key. */
  void erase() {
    Arrays.fill(key, (byte) 0);
  }
}
