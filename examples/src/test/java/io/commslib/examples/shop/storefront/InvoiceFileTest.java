package io.commslib.examples.shop.storefront;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InvoiceFileTest {

  private static final String HEADER = String.join(",", InvoiceFile.HEADER) + "\n";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1,A,d,1,t,2.50,c|7 columns (expected: 8)",
        "1,A,d,1,t,2.50,c,UK,x|9 columns (expected: 8)",
        ",A,d,1,t,2.50,c,UK|no invoice number",
        "1,,d,1,t,2.50,c,UK|no article",
        "1,A,d,0,t,2.50,c,UK|quantity is not a whole number other than 0",
        "1,A,d,+0,t,2.50,c,UK|quantity is not a whole number other than 0",
        "1,A,d,1.5,t,2.50,c,UK|quantity is not a whole number other than 0",
        "1,A,d, 1,t,2.50,c,UK|quantity is not a whole number other than 0",
        "1,A,d,1234567890,t,2.50,c,UK|quantity is not a whole number other than 0",
        "1,A,d,1,t,-2.50,c,UK|price is not a decimal number",
        "1,A,d,1,t,2.,c,UK|price is not a decimal number",
        "1,A,d,1,t,,c,UK|price is not a decimal number"
      })
  void rejectsALineWithItsNumberAndReason(String line, String reason) {
    InvoiceFile file = InvoiceFile.parse(HEADER + "9,A,good,1,t,1,c,UK\n" + line + "\n");
    assertThat(file.rejected()).containsExactly(new RejectedLine(3, reason));
    assertThat(file.invoices()).hasSize(1);
  }

  @Test
  void countsPhysicalLinesOverQuotedLineBreaks() {
    InvoiceFile file =
        InvoiceFile.parse(
            HEADER
                + "1,A,\"two\r\nlines \"\"quoted\"\", comma\",+2,t,1.1,c,UK\r\n2,A,d,x,t,1,c,UK");
    assertThat(file.invoices().get(0).lines().get(0).quantity()).isEqualTo(2);
    assertThat(file.rejected()).extracting(RejectedLine::number).containsExactly(4L);
  }

  @Test
  void groupsScatteredLinesByInvoiceAndUsesTheFirstCustomer() {
    InvoiceFile file =
        InvoiceFile.parse(HEADER + "1,A,d,1,t,1,,UK\n2,A,d,1,t,1,c2,UK\n1,a,d,1,t,1,c1,UK\n");
    assertThat(file.invoices()).extracting(Invoice::number).containsExactly("1", "2");
    assertThat(file.invoices().get(0).customer()).isEmpty();
    assertThat(file.invoices().get(0).lines()).hasSize(2);
  }

  @Test
  void rejectsAnInvoiceThatMixesSignsAsAWhole() {
    InvoiceFile file =
        InvoiceFile.parse(HEADER + "1,A,d,1,t,1,c,UK\n2,A,d,1,t,1,c,UK\n1,B,d,-1,t,1,c,UK\n");
    assertThat(file.rejected()).extracting(RejectedLine::number).containsExactly(2L, 4L);
    assertThat(file.invoices()).extracting(Invoice::number).containsExactly("2");
  }

  @Test
  void distinguishesOrdersReturnsAndAdjustments() {
    InvoiceFile file =
        InvoiceFile.parse(HEADER + "1,A,d,1,t,1,c,UK\nC2,A,d,-1,t,1,c,UK\n3,A,d,-1,t,0,,UK\n");
    assertThat(file.invoices())
        .extracting(Invoice::kind)
        .containsExactly(Invoice.Kind.ORDER, Invoice.Kind.RETURN, Invoice.Kind.ADJUSTMENT);
  }

  @Test
  void refusesAFileWithoutTheHeader() {
    assertThatIllegalArgumentException().isThrownBy(() -> InvoiceFile.parse(""));
    assertThatIllegalArgumentException().isThrownBy(() -> InvoiceFile.parse("1,A,d,1,t,1,c,UK\n"));
  }

  @Test
  void readsTheWholeFileAsUtf8OrElseAsWindows1252() {
    assertThat(InvoiceFile.decode("\ufeff\u00e9".getBytes(StandardCharsets.UTF_8)))
        .isEqualTo("\u00e9");
    byte[] western = "caf\u00e9 \u20ac".getBytes(Charset.forName("windows-1252"));
    assertThat(InvoiceFile.decode(western)).isEqualTo("caf\u00e9 \u20ac");
  }
}
