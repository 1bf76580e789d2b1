package io.commslib.examples.shop.storefront;

import java.util.List;

/** The lines of one invoice number, wherever they stand in the file; all of one sign. */
public record Invoice(String number, String customer, List<InvoiceLine> lines, boolean negative) {

  /** What an invoice means to the shop. */
  public enum Kind {
    ORDER,
    RETURN,
    ADJUSTMENT
  }

  public Kind kind() {
    if (number.startsWith("C")) {
      return Kind.RETURN;
    }
    return negative ? Kind.ADJUSTMENT : Kind.ORDER;
  }
}
