package io.commslib.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.util.List;
import org.junit.jupiter.api.Test;

class UriTemplateTest {

  @Test
  void valuesFillTheirPlacesAndChangeNoStructure() {
    UriTemplate template = UriTemplate.parse("/a/{x}/b-{y}.json?q={z}&fixed=1");
    assertThat(template.variables()).containsExactly("x", "y", "z");
    String uri = template.expand("1/2?&#%", "\u00e9 ;\r\n", "a=b&c+d/../{x}");
    assertThat(uri)
        .isEqualTo(
            "/a/1%2F2%3F%26%23%25/b-%C3%A9%20%3B%0D%0A.json?q=a%3Db%26c%2Bd%2F..%2F%7Bx%7D&fixed=1");
    assertThat(URI.create("http://h" + uri).getRawPath())
        .isEqualTo(uri.substring(0, uri.indexOf('?')));
  }

  @Test
  void valuesThatServersWouldResolveAreRefused() {
    UriTemplate template = UriTemplate.parse("/a/{x}?q={y}");
    assertThatThrownBy(() -> template.expand("..", ""))
        .hasMessage("x: .. (expected: neither . nor .. in a path)");
    assertThatThrownBy(() -> template.expand(".", "")).hasMessageStartingWith("x: .");
    assertThatThrownBy(() -> template.expand("", ""))
        .hasMessage("x: empty (expected: 1 character or more in a path)");
    assertThat(template.expand("...", "")).isEqualTo("/a/...?q=");
    assertThatThrownBy(() -> template.expand("a"))
        .hasMessage("values of /a/{x}?q={y}: 1 (expected: 2)");
    assertThatThrownBy(() -> template.expand("a", null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> template.expand("s".repeat(2_001), ""))
        .hasMessage("x: 2001 characters (expected: up to 2000)");
  }

  @Test
  void malformedTemplatesAreRefused() {
    for (String malformed :
        List.of(
            "",
            "a",
            "//host/x",
            "/{",
            "/}",
            "/{}",
            "/{a}{a}",
            "/{a b}",
            "/a b",
            "/{{a}}",
            "/{a}#b",
            "/a#{b}",
            "/%zz")) {
      assertThatThrownBy(() -> UriTemplate.parse(malformed))
          .as(malformed)
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
