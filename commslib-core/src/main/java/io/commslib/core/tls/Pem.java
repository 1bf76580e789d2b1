package io.commslib.core.tls;

import io.commslib.core.checks.Checks;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the blocks of a PEM file (RFC 7468). Text between the blocks is a comment. */
final class Pem {

  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]{1,40})-----([^-]*)-----END \\1-----");

  /** A block; its text may be a key, so it has no readable form. */
  static final class Block {
    private final String file;
    private final String type;
    private final String text;

    private Block(String file, String type, String text) {
      this.file = file;
      this.type = type;
      this.text = text;
    }

    String type() {
      return type;
    }

    byte[] decoded() {
      try {
        return Base64.getDecoder().decode(text.replaceAll("\\s", ""));
      } catch (IllegalArgumentException e) {
        throw TlsException.malformed(file, "a block that is not Base64", "a complete PEM file");
      }
    }

    @Override
    public String toString() {
      return "Block{" + type + "}";
    }
  }

  private Pem() {}

  /**
   * Returns all blocks.
   *
   * @throws TlsException if there is none, or the last one is incomplete
   */
  static List<Block> blocks(String file, byte[] content) {
    String text = new String(content, StandardCharsets.ISO_8859_1);
    List<Block> blocks = new ArrayList<>();
    Matcher found = BLOCK.matcher(text);
    int end = 0;
    while (found.find()) {
      checkComment(file, text.substring(end, found.start()));
      blocks.add(new Block(file, found.group(1), found.group(2)));
      end = found.end();
    }
    checkComment(file, text.substring(end));
    if (blocks.isEmpty()) {
      throw TlsException.malformed(file, "no block", "PEM, '-----BEGIN ...'");
    }
    return blocks;
  }

  private static void checkComment(String file, String between) {
    if (between.contains("----")) {
      throw TlsException.malformed(file, "an incomplete block", "a complete PEM file");
    }
  }

  /** The types of blocks, for an error text. */
  static String types(List<Block> blocks) {
    return Checks.shorten(String.join(", ", blocks.stream().map(Block::type).toList()));
  }
}
