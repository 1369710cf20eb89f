/* What libxml2 must answer; the recipe holds the answers. */
#include <stdio.h>
#include <string.h>

#include <libxml/HTMLparser.h>
#include <libxml/HTMLtree.h>
#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <libxml/tree.h>
#include <libxml/xmlreader.h>
#include <libxml/xmlschemas.h>
#include <libxml/xmlwriter.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

static const char text[] = "<?xml version='1.0' encoding='iso-8859-2'?><!DOCTYPE r [<!ENTITY e 'entity'>]>"
                           "<r xmlns:n='urn:n'><n:a b='2' a='1'>x &e; \xb1</n:a><b/></r>";

static int errors;

static void count(void *data, const char *format, ...) {
    (void)data;
    (void)format;
    errors++;
}

static void schemas(xmlDocPtr doc) {
    static const char xsd[] = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'><xs:element name='r'>"
                              "<xs:complexType><xs:sequence><xs:element name='n' type='xs:int'/></xs:sequence>"
                              "</xs:complexType></xs:element></xs:schema>";
    static const char rng[] = "<element name='r' xmlns='http://relaxng.org/ns/structure/1.0'><zeroOrMore>"
                              "<element name='n'><text/></element></zeroOrMore></element>";
    static const char good[] = "<r><n>12</n></r>", bad[] = "<r><n>x</n></r>";
    xmlSchemaParserCtxtPtr p = xmlSchemaNewMemParserCtxt(xsd, sizeof(xsd) - 1);
    xmlSchemaPtr schema = xmlSchemaParse(p);
    xmlRelaxNGParserCtxtPtr rp = xmlRelaxNGNewMemParserCtxt(rng, sizeof(rng) - 1);
    xmlRelaxNGPtr relax = xmlRelaxNGParse(rp);
    xmlSchemaValidCtxtPtr v = xmlSchemaNewValidCtxt(schema);
    xmlRelaxNGValidCtxtPtr rv = xmlRelaxNGNewValidCtxt(relax);
    xmlDocPtr a = xmlReadMemory(good, sizeof(good) - 1, NULL, NULL, 0);
    xmlDocPtr b = xmlReadMemory(bad, sizeof(bad) - 1, NULL, NULL, 0);

    xmlSchemaSetValidErrors(v, count, count, NULL);
    xmlRelaxNGSetValidErrors(rv, count, count, NULL);
    printf("schema %d %d, relaxng %d %d\n", xmlSchemaValidateDoc(v, a), xmlSchemaValidateDoc(v, b),
           xmlRelaxNGValidateDoc(rv, a), xmlRelaxNGValidateDoc(rv, doc) != 0);
    xmlFreeDoc(a);
    xmlFreeDoc(b);
    xmlSchemaFreeValidCtxt(v);
    xmlRelaxNGFreeValidCtxt(rv);
    xmlSchemaFree(schema);
    xmlRelaxNGFree(relax);
    xmlSchemaFreeParserCtxt(p);
    xmlRelaxNGFreeParserCtxt(rp);
}

int main(void) {
    xmlDocPtr doc = xmlReadMemory(text, sizeof(text) - 1, NULL, NULL, XML_PARSE_NOENT);
    xmlXPathContextPtr x = xmlXPathNewContext(doc);
    xmlXPathObjectPtr o;
    xmlTextReaderPtr r;
    xmlTextWriterPtr w;
    xmlBufferPtr buf = xmlBufferCreate();
    xmlChar *out;
    htmlDocPtr html;
    int n = 0;

    printf("%s\n", LIBXML_DOTTED_VERSION);
    xmlXPathRegisterNs(x, BAD_CAST "n", BAD_CAST "urn:n");
    o = xmlXPathEvalExpression(BAD_CAST "concat(//n:a, ' ', count(//*), ' ', sum(//@*) div 4)", x);
    printf("%s\n", (char *)o->stringval);
    xmlXPathFreeObject(o);
    xmlXPathFreeContext(x);
    xmlC14NDocDumpMemory(doc, NULL, XML_C14N_1_0, NULL, 0, &out);
    printf("%s\n", (char *)out);
    xmlFree(out);
    schemas(doc);
    xmlFreeDoc(doc);

    r = xmlReaderForMemory(text, sizeof(text) - 1, NULL, NULL, 0);
    while (xmlTextReaderRead(r) == 1) {
        n++;
    }
    printf("reader %d\n", n);
    xmlFreeTextReader(r);

    w = xmlNewTextWriterMemory(buf, 0);
    xmlTextWriterStartDocument(w, NULL, "utf-8", NULL);
    xmlTextWriterStartElement(w, BAD_CAST "w");
    xmlTextWriterWriteFormatAttribute(w, BAD_CAST "n", "%d", 5);
    xmlTextWriterWriteString(w, BAD_CAST "<&>");
    xmlTextWriterEndDocument(w);
    xmlFreeTextWriter(w);
    printf("%s", (const char *)xmlBufferContent(buf));
    xmlBufferFree(buf);

    html = htmlReadMemory("<p>a<p>b &eacute;<br>", 21, NULL, "utf-8", HTML_PARSE_NOERROR);
    htmlDocDumpMemory(html, &out, &n);
    printf("%s", (char *)out);
    xmlFree(out);
    xmlFreeDoc(html);

    xmlSetGenericErrorFunc(NULL, count);
    errors = 0;
    doc = xmlReadMemory("<a><b></a>", 10, NULL, NULL, 0);
    printf("malformed: %s, %s\n", doc ? "a document" : "no document", errors ? "reported" : "silent");
    xmlCleanupParser();
    return 0;
}
