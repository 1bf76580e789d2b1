package io.commslib.examples.shop.storefront;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The invoices of a file, in order of their first line, and the lines that can't be order lines.
 * Immutable.
 */
public final class InvoiceFile {

  /** The required header. */
  public static final List<String> HEADER =
      List.of(
          "InvoiceNo",
          "StockCode",
          "Description",
          "Quantity",
          "InvoiceDate",
          "UnitPrice",
          "CustomerID",
          "Country");

  private static final Pattern QUANTITY = Pattern.compile("[+-]?[0-9]{1,9}");
  private static final Pattern PRICE = Pattern.compile("[0-9]+(\\.[0-9]+)?");

  private final List<Invoice> invoices;
  private final List<RejectedLine> rejected;

  private InvoiceFile(List<Invoice> invoices, List<RejectedLine> rejected) {
    this.invoices = List.copyOf(invoices);
    this.rejected = List.copyOf(rejected);
  }

  /**
   * Reads a file.
   *
   * @throws IOException if it can't be read
   * @throws IllegalArgumentException if it is empty or has another header
   */
  public static InvoiceFile read(Path file) throws IOException {
    return parse(decode(Files.readAllBytes(file)));
  }

  /** Decodes the whole file as UTF-8 if it is valid UTF-8, otherwise as windows-1252. */
  static String decode(byte[] bytes) {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return text.startsWith("\ufeff") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      return new String(bytes, Charset.forName("windows-1252"));
    }
  }

  static InvoiceFile parse(String text) {
    Reading reading = new Reading();
    CsvReader.read(text, reading::record);
    if (!reading.headerSeen) {
      throw new IllegalArgumentException(
          "the file is empty (expected: the header " + String.join(",", HEADER) + ")");
    }
    return reading.toInvoiceFile();
  }

  public List<Invoice> invoices() {
    return invoices;
  }

  public List<RejectedLine> rejected() {
    return rejected;
  }

  private static final class Reading {
    private final Map<String, List<InvoiceLine>> lines = new LinkedHashMap<>();
    private final List<RejectedLine> rejected = new ArrayList<>();
    private boolean headerSeen;

    void record(long number, List<String> fields) {
      if (!headerSeen) {
        headerSeen = true;
        if (!fields.equals(HEADER)) {
          throw new IllegalArgumentException(
              "the first line is not the header " + String.join(",", HEADER));
        }
        return;
      }
      String reason = reason(fields);
      if (reason != null) {
        rejected.add(new RejectedLine(number, reason));
        return;
      }
      InvoiceLine line =
          new InvoiceLine(
              number,
              fields.get(0),
              fields.get(1),
              Integer.parseInt(fields.get(3)),
              new BigDecimal(fields.get(5)),
              fields.get(6));
      lines.computeIfAbsent(line.invoice(), invoice -> new ArrayList<>()).add(line);
    }

    private static @Nullable String reason(List<String> fields) {
      if (fields.size() != HEADER.size()) {
        return fields.size() + " columns (expected: " + HEADER.size() + ")";
      }
      if (fields.get(0).isEmpty()) {
        return "no invoice number";
      }
      if (fields.get(1).isEmpty()) {
        return "no article";
      }
      if (!QUANTITY.matcher(fields.get(3)).matches() || Integer.parseInt(fields.get(3)) == 0) {
        return "quantity is not a whole number other than 0";
      }
      return PRICE.matcher(fields.get(5)).matches() ? null : "price is not a decimal number";
    }

    InvoiceFile toInvoiceFile() {
      List<Invoice> invoices = new ArrayList<>();
      lines.forEach(
          (number, all) -> {
            long negative = all.stream().filter(line -> line.quantity() < 0).count();
            if (negative != 0 && negative != all.size()) {
              all.forEach(
                  line -> rejected.add(new RejectedLine(line.number(), "invoice mixes signs")));
            } else {
              invoices.add(
                  new Invoice(
                      number, Objects.requireNonNull(all.get(0)).customer(), all, negative != 0));
            }
          });
      rejected.sort((a, b) -> Long.compare(a.number(), b.number()));
      return new InvoiceFile(invoices, rejected);
    }
  }
}
